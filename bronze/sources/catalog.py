"""The catalogue.

Runbook. Full exports each Monday, at 09:00 UTC of the day after: what an export lacks is sold no more. The JSON export
of the products can be sent again on the next day: its day is in the file's name. Promotions are the buyers' German
spreadsheet. A part of the range is counted in each store each week. All of it is about things, none about people.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from lakehouse.rules import Between, Holds, OneOf

A_WEEK = timedelta(days=9)

PRODUCTS = Source(
    name="catalog_products",
    doc="One row per product that is sold.",
    path="catalog/products/*.json",
    format="json",
    options={"records": "products"},
    key=("sku",),
    columns={
        "sku": Field("string", "The product."),
        "name": Field("string", "What it is called.", required=True),
        "brand": Field("string", "The brand.", path="brand.name"),
        "brand_kind": Field("string", "National, or the retailer's own (Private).", path="brand.kind"),
        "category_code": Field("string", "The category.", path="category.code"),
        "category": Field("string", "What the category is called.", path="category.name"),
        "department": Field("string", "The department.", path="category.department"),
        "size": Field("string", "The size of the package."),
        "listed_on": Field("date", "Since when it is listed."),
    },
    rules=(OneOf(column="brand_kind", values=("National", "Private"), severity="warning"),),
    feeds=(
        Feed(
            to="silver.products",
            columns={
                "product_id": "sku",
                "department": "department",
                "category": "category",
                "subcategory": "name",
                "brand_kind": "brand_kind",
                "manufacturer_id": "brand",
                "package_size": "size",
            },
        ),
    ),
    fresh_within=A_WEEK,
    delivery="snapshot",
    snapshot_of=r"to_date(regexp_extract(_file, 'products_(\\d{4}-\\d{2}-\\d{2})', 1))",
)

CATEGORIES = Source(
    name="catalog_categories",
    doc="One row per category. Bronze only: products carry their category.",
    path="catalog/categories/*.xml",
    format="xml",
    options={"row": "category"},
    key=("code",),
    columns={
        "code": Field("string", "The category.", path="@code"),
        "department": Field("string", "The department.", required=True),
        "label": Field("string", "What it is called.", required=True),
        "position": Field("int", "Its place in the department."),
    },
    rules=(Between(column="position", low=1),),
    fresh_within=A_WEEK,
    delivery="snapshot",
)

PRICES = Source(
    name="catalog_prices",
    doc="One row per product and week: its price. Bronze only: lines of orders carry what was paid.",
    path="catalog/prices/*.parquet",
    format="parquet",
    key=("sku", "valid_from"),
    columns={
        "sku": Field("string", "The product."),
        "valid_from": Field("date", "The Monday of the week."),
        "list_price": Field("decimal(18,2)", "Without a price cut.", required=True),
        "price": Field("decimal(18,2)", "In that week.", required=True),
        "currency": Field("string", "The currency."),
    },
    rules=(Holds(condition="price <= list_price", otherwise="the price is above the list price"),),
    fresh_within=A_WEEK,
)

PROMOTIONS = Source(
    name="catalog_promotions",
    doc="One row per product that is reduced in a week.",
    path="catalog/promotions/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "cp1252"},
    key=("Aktion", "Artikel"),
    columns={
        "Aktion": Field("string", "The week's promotion."),
        "Artikel": Field("string", "The product."),
        "Bezeichnung": Field("string", "What it is called."),
        "Rabatt_Prozent": Field("decimal(5,2)", "By how much it is reduced.", decimal=",", required=True),
        "von": Field("date", "The first day.", pattern="dd.MM.yy", from_year=2000, required=True),
        "bis": Field("date", "The last day.", pattern="dd.MM.yy", from_year=2000, required=True),
        "Flaeche": Field("string", "Where it stands: Regal, Kopf or Kasse."),
    },
    rules=(
        Between(column="Rabatt_Prozent", low=0, high=100),
        Holds(condition="von <= bis", otherwise="it ends before it begins"),
        OneOf(column="Flaeche", values=("Regal", "Kopf", "Kasse"), severity="warning"),
    ),
    feeds=(
        Feed(
            to="silver.offers",
            columns={
                "kind": "'promotion'",
                "offer_code": "Aktion",
                "product_id": "Artikel",
                "campaign_id": "''",
                "store_id": "''",
                "starts_on": "von",
            },
        ),
    ),
    fresh_within=A_WEEK,
    timezone="Europe/Berlin",
)

INVENTORY = Source(
    name="catalog_inventory",
    doc="One row per product that was counted in a store. Bronze only: it is about stock, and not about customers.",
    path="catalog/inventory/*.txt.gz",
    format="fixed",
    key=("store", "sku", "counted"),
    columns={
        "store": Field("int", "The store.", width=4),
        "sku": Field("string", "The product.", width=8),
        "units": Field("int", "How many are there.", width=6, required=True),
        "counted": Field("timestamp", "When.", width=12, pattern="yyyyMMddHHmm"),
        "flag": Field("string", "O: out of stock.", width=1),
    },
    rules=(Between(column="units", low=0), OneOf(column="flag", values=("O",), severity="warning")),
    fresh_within=A_WEEK,
)
