"""Names can be compared by the letters that they share, so that doubles are found."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0009_required_documents")]

    operations = [TrigramExtension()]
