"""What was bought: buyers, orders, consignments, acceptances and claims."""
