{# The newest day of a table that has rows of several days; no later than the var `as_of`, where it is given. #}
{% macro newest_day(table) -%}
    select max(as_of) as as_of
    from {{ table }}
    {%- if var('as_of', none) %}
    where as_of <= date '{{ var("as_of") }}'
    {%- endif %}
{%- endmacro %}
