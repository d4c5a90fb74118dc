with

declared_campaigns as (
    select * from {{ source('silver', 'campaigns') }}
),

offers as (
    select * from {{ source('silver', 'offers') }}
),

interactions as (
    select * from {{ source('silver', 'interactions') }}
),

orders as (
    select * from {{ source('silver', 'orders') }}
),

core_ids as (
    select * from {{ source('silver', 'core_ids') }}
),

-- A campaign that no source declares lasts from the first to the last day on which it was sent.
sent_campaigns as (
    select
        campaign_id,
        cast(min(happened_at) as date) as starts_on,
        cast(max(happened_at) as date) as ends_on
    from interactions
    where
        kind = 'sent'
        and campaign_id is not null
    group by campaign_id
),

campaigns as (
    select
        coalesce(declared_campaigns.campaign_id, sent_campaigns.campaign_id) as campaign_id,
        declared_campaigns.kind,
        coalesce(declared_campaigns.starts_on, sent_campaigns.starts_on) as starts_on,
        coalesce(declared_campaigns.ends_on, sent_campaigns.ends_on) as ends_on
    from declared_campaigns
    full outer join sent_campaigns
        on declared_campaigns.campaign_id = sent_campaigns.campaign_id
),

-- Both windows must lie within the days that orders are known of.
known_days as (
    select
        min(ordered_on) as first_known_on,
        max(ordered_on) as last_known_on
    from orders
),

windows as (
    select
        campaigns.*,
        datediff(campaigns.ends_on, campaigns.starts_on) + 1 as duration_days,
        date_sub(campaigns.starts_on, datediff(campaigns.ends_on, campaigns.starts_on) + 1) as before_starts_on
    from campaigns
),

comparable as (
    select
        windows.*,
        coalesce(
            windows.before_starts_on >= known_days.first_known_on and windows.ends_on <= known_days.last_known_on,
            false
        ) as is_comparable
    from windows
    cross join known_days
),

coupons as (
    select
        campaign_id,
        count(distinct offer_code) as coupons_offered,
        count(distinct product_id) as products_offered
    from offers
    where kind = 'coupon'
    group by campaign_id
),

touches as (
    select
        interactions.campaign_id,
        core_ids.core_id,
        count_if(interactions.kind = 'sent') as sent,
        count_if(interactions.kind = 'redeemed') as redeemed
    from interactions
    inner join core_ids
        on interactions.party_id = core_ids.party_id
    where interactions.campaign_id is not null
    group by interactions.campaign_id, core_ids.core_id
),

response as (
    select
        campaign_id,
        count_if(sent > 0) as customers_mailed,
        count_if(sent > 0 and redeemed > 0) as redeemers,
        sum(redeemed) as redemptions
    from touches
    group by campaign_id
),

customer_days as (
    select
        core_ids.core_id,
        orders.ordered_on,
        sum(orders.net_amount) as net_amount
    from orders
    inner join core_ids
        on orders.party_id = core_ids.party_id
    group by core_ids.core_id, orders.ordered_on
),

mailed_spend as (
    select
        windows.campaign_id,
        sum(customer_days.net_amount) filter (where customer_days.ordered_on >= windows.starts_on) as spent_during,
        sum(customer_days.net_amount) filter (where customer_days.ordered_on < windows.starts_on) as spent_before
    from touches
    inner join windows
        on touches.campaign_id = windows.campaign_id
    inner join customer_days
        on
            touches.core_id = customer_days.core_id
            and customer_days.ordered_on between windows.before_starts_on and windows.ends_on
    where touches.sent > 0
    group by windows.campaign_id
),

-- What all customers spent, by day: so that nobody's orders are joined with campaigns that are not theirs.
days as (
    select
        ordered_on,
        sum(net_amount) as net_amount
    from customer_days
    group by ordered_on
),

all_spend as (
    select
        windows.campaign_id,
        sum(days.net_amount) filter (where days.ordered_on >= windows.starts_on) as spent_during,
        sum(days.net_amount) filter (where days.ordered_on < windows.starts_on) as spent_before
    from windows
    inner join days
        on days.ordered_on between windows.before_starts_on and windows.ends_on
    group by windows.campaign_id
),

spend as (
    select
        all_spend.campaign_id,
        coalesce(mailed_spend.spent_during, 0) as mailed_during,
        coalesce(mailed_spend.spent_before, 0) as mailed_before,
        coalesce(all_spend.spent_during, 0) - coalesce(mailed_spend.spent_during, 0) as others_during,
        coalesce(all_spend.spent_before, 0) - coalesce(mailed_spend.spent_before, 0) as others_before
    from all_spend
    left join mailed_spend
        on all_spend.campaign_id = mailed_spend.campaign_id
),

joined as (
    select
        comparable.*,
        coalesce(coupons.coupons_offered, 0) as coupons_offered,
        coalesce(coupons.products_offered, 0) as products_offered,
        coalesce(response.customers_mailed, 0) as customers_mailed,
        coalesce(response.redeemers, 0) as redeemers,
        coalesce(response.redemptions, 0) as redemptions,
        coalesce(spend.mailed_during, 0) as net_amount_during,
        coalesce(spend.mailed_before, 0) as net_amount_before,
        coalesce(spend.others_during, 0) as others_net_amount_during,
        coalesce(spend.others_before, 0) as others_net_amount_before
    from comparable
    left join coupons
        on comparable.campaign_id = coupons.campaign_id
    left join response
        on comparable.campaign_id = response.campaign_id
    left join spend
        on comparable.campaign_id = spend.campaign_id
),

compared as (
    select
        *,
        redeemers / nullif(cast(customers_mailed as double), 0) as redemption_rate,
        case
            when is_comparable
                then cast(net_amount_during as double) / nullif(cast(net_amount_before as double), 0) - 1
        end as net_amount_change,
        case
            when is_comparable
                then cast(others_net_amount_during as double) / nullif(cast(others_net_amount_before as double), 0) - 1
        end as others_net_amount_change
    from joined
)

select
    campaign_id,
    kind,
    starts_on,
    ends_on,
    duration_days,
    coupons_offered,
    products_offered,
    customers_mailed,
    redeemers,
    redemptions,
    redemption_rate,
    is_comparable,
    cast(net_amount_during as decimal(18, 2)) as net_amount_during,
    cast(net_amount_before as decimal(18, 2)) as net_amount_before,
    net_amount_change,
    cast(others_net_amount_during as decimal(18, 2)) as others_net_amount_during,
    cast(others_net_amount_before as decimal(18, 2)) as others_net_amount_before,
    others_net_amount_change,
    net_amount_change - others_net_amount_change as net_amount_change_difference
from compared
