"""The columns of a declaration file and the Chinese words that it may use."""

from decimal import Decimal
from typing import NamedTuple

from orders.models import Buyer, Channel


class Column(NamedTuple):
    """A column: its identifier, its Chinese heading, and whether each row must fill it."""

    identifier: str
    heading: str
    is_required: bool


COLUMNS = (
    Column("sold_on", "日期", True),
    Column("document_no", "单据号", True),
    Column("line_no", "行号", False),
    Column("product_name", "商品名称", True),
    Column("category", "类别", True),
    Column("county_code", "产地县", True),
    Column("supplier_code", "供应商代码", False),
    Column("buyer_code", "采购方代码", False),
    Column("buyer_name", "采购方名称", False),
    Column("buyer_region", "采购方地区", False),
    Column("buyer_kind", "采购方类型", True),
    Column("channel", "渠道", True),
    Column("quantity", "数量", True),
    Column("unit", "单位", True),
    Column("amount", "金额", True),
    Column("fapiao_no", "发票号", False),
    Column("note", "备注", False),
)

#: The column that an error file adds; a corrected error file may keep it.
ERRORS = "错误"

BUYER_KINDS = {
    **{kind.value: kind.value for kind in Buyer.Kind},
    "食堂": Buyer.Kind.CANTEEN.value,
    "预算单位": Buyer.Kind.BUDGET_UNIT.value,
    "工会": Buyer.Kind.UNION.value,
    "国企": Buyer.Kind.STATE_FIRM.value,
    "国有企业": Buyer.Kind.STATE_FIRM.value,
    "学校": Buyer.Kind.SCHOOL.value,
    "医院": Buyer.Kind.HOSPITAL.value,
    "企业": Buyer.Kind.COMPANY.value,
    "团餐": Buyer.Kind.CATERER.value,
    "团餐企业": Buyer.Kind.CATERER.value,
    "超市": Buyer.Kind.SUPERMARKET.value,
    "商超": Buyer.Kind.SUPERMARKET.value,
    "批发市场": Buyer.Kind.WHOLESALE.value,
    "电商": Buyer.Kind.ECOMMERCE.value,
    "电商企业": Buyer.Kind.ECOMMERCE.value,
    "进口商": Buyer.Kind.IMPORTER.value,
}

CHANNELS = {
    **{channel.value: channel.value for channel in Channel},
    "本平台": Channel.PLATFORM.value,
    "832平台": Channel.P832.value,
    "专柜": Channel.COUNTER.value,
    "专馆": Channel.HALL.value,
    "专区": Channel.ZONE.value,
    "专列": Channel.TRAIN.value,
    "专站": Channel.STATION.value,
    "展会": Channel.FAIR.value,
    "直播": Channel.LIVE.value,
    "线下": Channel.OFFLINE.value,
    "出口": Channel.EXPORT.value,
}

#: Kilograms in a unit; any other unit has no weight of its own.
KG_BY_UNIT = {
    "kg": Decimal(1),
    "公斤": Decimal(1),
    "千克": Decimal(1),
    "斤": Decimal("0.5"),
    "t": Decimal(1000),
    "吨": Decimal(1000),
}
