{#
    The meanings of columns, for the catalog. dbt-spark's own calls a macro that the dbt-adapters of our lock file lacks,
    and alters one column at a time, each in its own commit: seconds for a wide mart. One statement does it.
#}
{% macro spark__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- for name, column in model.columns.items() -%}
        {%- set comment = column.description | trim | replace('\\', '\\\\') | replace("'", "\\'") -%}
        {%- do comments.append(name ~ " comment '" ~ comment ~ "'") -%}
    {%- endfor -%}
    {%- if for_columns and config.persist_column_docs() and comments -%}
        {%- do run_query('alter table ' ~ relation ~ ' alter column ' ~ comments | join(', ')) -%}
    {%- endif -%}
{%- endmacro %}
