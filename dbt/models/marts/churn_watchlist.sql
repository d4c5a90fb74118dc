with

churn_scores as (
    select * from {{ source('ml', 'churn_scores') }}
),

features as (
    select * from {{ source('gold', 'customer_features') }}
),

segments as (
    select * from {{ ref('rfmt_segments') }}
),

newest_scored_day as (
    {{ newest_day(source('ml', 'churn_scores')) }}
),

at_risk as (
    select churn_scores.*
    from churn_scores
    inner join newest_scored_day
        on churn_scores.as_of = newest_scored_day.as_of
    where churn_scores.is_at_risk
),

valued as (
    select
        at_risk.*,
        segments.segment,
        features.recency_days,
        features.overdue_ratio,
        coalesce(features.net_amount_52w, 0) as value_at_stake,
        round(at_risk.churn_probability * coalesce(features.net_amount_52w, 0), 2) as expected_loss
    from at_risk
    left join features
        on
            at_risk.core_id = features.core_id
            and at_risk.as_of = features.as_of
    left join segments
        on at_risk.core_id = segments.core_id
),

ranked as (
    select
        *,
        row_number() over (order by expected_loss desc, churn_probability desc, core_id asc) as place
    from valued
)

select
    place,
    core_id,
    as_of,
    model,
    model_version,
    churn_probability,
    risk_decile,
    array_join(reasons, '; ') as reasons,
    segment,
    recency_days,
    overdue_ratio,
    cast(value_at_stake as decimal(18, 2)) as value_at_stake,
    cast(expected_loss as decimal(18, 2)) as expected_loss
from ranked
