with

scores as (
    select * from {{ ref('rfmt_scores') }}
),

-- The first rule that holds names the segment.
segmented as (
    select
        *,
        case
            when not has_ordered then 'prospect'
            when tenure_days < 91 then 'new'
            when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'champion'
            when recency_score >= 3 and frequency_score >= 4 then 'loyal'
            when recency_score >= 4 and tenure_score <= 2 then 'promising'
            when recency_score >= 3 then 'occasional'
            when frequency_score >= 4 or monetary_score >= 4 then 'at_risk'
            when recency_score = 2 then 'hibernating'
            else 'lost'
        end as segment
    from scores
)

select
    core_id,
    as_of,
    recency_days,
    orders_52w,
    net_amount_52w,
    tenure_days,
    recency_score,
    frequency_score,
    monetary_score,
    tenure_score,
    segment
from segmented
