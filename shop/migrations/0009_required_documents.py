"""The table of required documents, with the rules that apply everywhere."""

import django.db.models.deletion
from django.db import migrations, models

FOOD_SAFETY = "食品安全法第三十五条"
CONFORMITY = "农产品质量安全法第三十九条；农业农村部令2025年第4号"
COLD_CHAIN = "GB 31605-2020"
BASKET = "粤港澳大湾区“菜篮子”产品质量安全规则"

# Neither table fish nor eggs need an animal quarantine certificate; nobody asks for one.
RULES = [
    # category, form, only from basket bases, whose, which, why
    (None, "processed", False, "product", "food_licence", FOOD_SAFETY),
    *(
        (category, "unprocessed", False, "batch", "conformity", CONFORMITY)
        for category in ("aquatic", "eggs", "fruit", "roxburgh", "vegetables")
    ),
    (None, "cool", False, "batch", "cold_chain", COLD_CHAIN),
    (None, "frozen", False, "batch", "cold_chain", COLD_CHAIN),
    (None, "", True, "batch", "test_report", BASKET),
    (None, "", True, "batch", "trace_code", BASKET),
]


def load(apps, schema_editor):
    RequiredDocument = apps.get_model("shop", "RequiredDocument")
    RequiredDocument.objects.bulk_create(
        RequiredDocument(
            category_id=category,
            form=form,
            from_basket_base=from_basket_base,
            held_by=held_by,
            kind=kind,
            basis=basis,
        )
        for category, form, from_basket_base, held_by, kind, basis in RULES
    )


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0008_versions"),
        ("suppliers", "0002_certificate_files"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="is_processed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Made and packed in a plant, which needs a food production licence.",
                verbose_name="processed food",
            ),
        ),
        migrations.AlterField(
            model_name="product",
            name="certificates",
            field=models.ManyToManyField(
                blank=True,
                limit_choices_to=models.Q(("kind", "business_licence"), _negated=True),
                related_name="products",
                to="suppliers.certificate",
                verbose_name="certificates",
            ),
        ),
        migrations.CreateModel(
            name="RequiredDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "form",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unprocessed", "unprocessed"),
                            ("processed", "processed food"),
                            ("ambient", "ambient"),
                            ("cool", "0–8 °C"),
                            ("frozen", "−18 °C"),
                            ("live", "live"),
                        ],
                        help_text="Empty: any.",
                        max_length=12,
                        verbose_name="form",
                    ),
                ),
                (
                    "destination",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("mainland", "mainland"),
                            ("hk_macau", "Hong Kong and Macau"),
                            ("export", "export"),
                        ],
                        help_text="Empty: any.",
                        max_length=10,
                        verbose_name="destination",
                    ),
                ),
                (
                    "from_basket_base",
                    models.BooleanField(
                        default=False,
                        help_text="For batches only.",
                        verbose_name="only from vegetable-basket bases",
                    ),
                ),
                (
                    "held_by",
                    models.CharField(
                        choices=[
                            ("supplier", "supplier"),
                            ("product", "product"),
                            ("batch", "batch"),
                        ],
                        default="product",
                        max_length=8,
                        verbose_name="belongs to",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("green", "green food"),
                            ("organic", "organic"),
                            ("gi", "geographical indication"),
                            ("food_licence", "food production licence"),
                            ("breeding_permit", "breeding and use permit"),
                            ("business_licence", "business licence"),
                            ("conformity", "conformity certificate"),
                            ("test_report", "test report"),
                            ("trace_code", "trace code"),
                            ("cold_chain", "cold-chain record"),
                            ("other", "other"),
                        ],
                        max_length=16,
                        verbose_name="required paper",
                    ),
                ),
                ("basis", models.CharField(blank=True, max_length=200, verbose_name="legal basis")),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: any.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shop.category",
                        verbose_name="category",
                    ),
                ),
            ],
            options={
                "verbose_name": "required document",
                "verbose_name_plural": "required documents",
                "ordering": ["held_by", "kind", "category", "form", "destination"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "kind",
                            "held_by",
                            "category",
                            "form",
                            "destination",
                            "from_basket_base",
                        ),
                        name="document_required_once",
                        nulls_distinct=False,
                        violation_error_message="This is required already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("from_basket_base", False), ("held_by", "batch"), _connector="OR"
                        ),
                        name="only_batches_come_from_a_base",
                        violation_error_message="Only a batch comes from a base.",
                    ),
                ],
            },
        ),
        migrations.RunPython(load, migrations.RunPython.noop),
    ]
