with

features as (
    select * from {{ source('gold', 'customer_features') }}
),

newest_day as (
    {{ newest_day(source('gold', 'customer_features')) }}
),

customers as (
    select
        features.core_id,
        features.as_of,
        features.recency_days,
        features.orders_52w,
        features.net_amount_52w,
        features.tenure_days,
        features.recency_days is not null as has_ordered,
        cast(features.net_amount_52w as bigint) as whole_amount_52w
    from features
    inner join newest_day
        on features.as_of = newest_day.as_of
),

-- Amounts to the whole unit of money: few distinct values keep the exact percentiles small for millions of customers.
cut_points as (
    select
        percentile(recency_days, array(0.2, 0.4, 0.6, 0.8)) as recency,
        percentile(orders_52w, array(0.2, 0.4, 0.6, 0.8)) as frequency,
        percentile(whole_amount_52w, array(0.2, 0.4, 0.6, 0.8)) as monetary,
        percentile(tenure_days, array(0.2, 0.4, 0.6, 0.8)) as tenure
    from customers
    where has_ordered
),

scored as (
    select
        customers.*,
        1 + size(filter(cut_points.recency, cut -> customers.recency_days < cut)) as recency_score,
        1 + size(filter(cut_points.frequency, cut -> customers.orders_52w > cut)) as frequency_score,
        1 + size(filter(cut_points.monetary, cut -> customers.whole_amount_52w > cut)) as monetary_score,
        1 + size(filter(cut_points.tenure, cut -> customers.tenure_days > cut)) as tenure_score
    from customers
    cross join cut_points
)

select
    core_id,
    as_of,
    has_ordered,
    recency_days,
    orders_52w,
    net_amount_52w,
    tenure_days,
    case when has_ordered then recency_score end as recency_score,
    case when has_ordered then frequency_score end as frequency_score,
    case when has_ordered then monetary_score end as monetary_score,
    case when has_ordered then tenure_score end as tenure_score
from scored
