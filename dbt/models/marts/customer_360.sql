with

customers as (
    select * from {{ source('silver', 'customers') }}
),

core_ids as (
    select * from {{ source('silver', 'core_ids') }}
),

orders as (
    select * from {{ source('silver', 'orders') }}
),

order_lines as (
    select * from {{ source('silver', 'order_lines') }}
),

products as (
    select * from {{ source('silver', 'products') }}
),

interactions as (
    select * from {{ source('silver', 'interactions') }}
),

features as (
    select * from {{ source('gold', 'customer_features') }}
),

churn_scores as (
    select * from {{ source('ml', 'churn_scores') }}
),

segments as (
    select * from {{ ref('rfmt_segments') }}
),

newest_day as (
    {{ newest_day(source('gold', 'customer_features')) }}
),

newest_scored_day as (
    {{ newest_day(source('ml', 'churn_scores')) }}
),

newest_features as (
    select features.*
    from features
    inner join newest_day
        on features.as_of = newest_day.as_of
),

newest_scores as (
    select churn_scores.*
    from churn_scores
    inner join newest_scored_day
        on churn_scores.as_of = newest_scored_day.as_of
),

-- The category on which most was spent in the last 52 weeks; of equals, the first by name.
favourite_categories as (
    select
        core_ids.core_id,
        products.category,
        row_number() over (
            partition by core_ids.core_id
            order by sum(order_lines.net_amount) desc, products.category asc
        ) as place
    from order_lines
    inner join core_ids
        on order_lines.party_id = core_ids.party_id
    inner join products
        on order_lines.product_id = products.product_id
    inner join newest_day
        on
            cast(order_lines.ordered_at as date) <= newest_day.as_of
            and cast(order_lines.ordered_at as date) > date_sub(newest_day.as_of, 364)
    where products.category is not null
    group by core_ids.core_id, products.category
),

-- The store with most orders in the last 52 weeks; of equals, the one that was visited last.
favourite_stores as (
    select
        core_ids.core_id,
        orders.store_id,
        row_number() over (
            partition by core_ids.core_id
            order by count(*) desc, max(orders.ordered_at) desc, orders.store_id asc
        ) as place
    from orders
    inner join core_ids
        on orders.party_id = core_ids.party_id
    inner join newest_day
        on
            orders.ordered_on <= newest_day.as_of
            and orders.ordered_on > date_sub(newest_day.as_of, 364)
    where orders.store_id is not null
    group by core_ids.core_id, orders.store_id
),

touches as (
    select
        core_ids.core_id,
        max(case when interactions.kind = 'redeemed' then cast(interactions.happened_at as date) end)
            as last_redeemed_on,
        max(
            case
                when interactions.kind = 'sent'
                    then struct(cast(interactions.happened_at as date) as sent_on, interactions.campaign_id)
            end
        ) as last_sent
    from interactions
    inner join core_ids
        on interactions.party_id = core_ids.party_id
    inner join newest_day
        on cast(interactions.happened_at as date) <= newest_day.as_of
    group by core_ids.core_id
),

joined as (
    select
        customers.*,
        newest_day.as_of,
        segments.segment,
        features.recency_days,
        features.tenure_days,
        features.orders_total,
        features.net_amount_total,
        features.orders_52w,
        features.net_amount_52w,
        features.average_order_amount,
        features.discount_share_52w,
        features.coupon_share_52w,
        features.stores_52w,
        features.categories_52w,
        features.gap_days_mean,
        features.overdue_ratio,
        features.campaigns_sent_52w,
        features.redemptions_52w,
        favourite_categories.category as favourite_category,
        favourite_stores.store_id as favourite_store_id,
        touches.last_sent.campaign_id as last_campaign_id,
        touches.last_sent.sent_on as last_campaign_sent_on,
        touches.last_redeemed_on,
        scores.as_of as churn_scored_on,
        scores.churn_probability,
        scores.risk_decile,
        scores.is_at_risk
    from customers
    cross join newest_day
    left join newest_features as features
        on customers.core_id = features.core_id
    left join newest_scores as scores
        on customers.core_id = scores.core_id
    left join segments
        on customers.core_id = segments.core_id
    left join favourite_categories
        on
            customers.core_id = favourite_categories.core_id
            and favourite_categories.place = 1
    left join favourite_stores
        on
            customers.core_id = favourite_stores.core_id
            and favourite_stores.place = 1
    left join touches
        on customers.core_id = touches.core_id
)

select
    core_id,
    as_of,
    parties,
    household_no,
    age_band,
    income_band,
    home_ownership,
    marital_status,
    household_size,
    household_composition,
    kids_count,
    segment,
    date_sub(as_of, tenure_days) as first_ordered_on,
    date_sub(as_of, recency_days) as last_ordered_on,
    recency_days,
    tenure_days,
    orders_total,
    net_amount_total,
    orders_52w,
    net_amount_52w,
    average_order_amount,
    discount_share_52w,
    coupon_share_52w,
    stores_52w,
    categories_52w,
    gap_days_mean,
    overdue_ratio,
    favourite_category,
    favourite_store_id,
    campaigns_sent_52w,
    redemptions_52w,
    last_campaign_id,
    last_campaign_sent_on,
    last_redeemed_on,
    churn_scored_on,
    churn_probability,
    risk_decile,
    is_at_risk
from joined
