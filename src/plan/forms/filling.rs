//! What a column that is added holds in the rows that are there.
//!
//! Owns what is known of types and functions without a catalog. What is not known is said to be unknown.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child, holds, words};
use crate::engine::plan::form::Filling;
use crate::pg::text::written;

/// Types of PostgreSQL itself: none of them is a domain with constraints.
const TYPES: &str = " smallint int2 integer int int4 bigint int8 numeric decimal dec real float float4 float8 boolean \
    bool text varchar bpchar name bytea date time timetz timestamp timestamptz interval uuid json jsonb jsonpath xml \
    inet cidr macaddr macaddr8 point line lseg box path polygon circle tsvector tsquery bit varbit money oid regclass \
    regproc regtype int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange \
    nummultirange tsmultirange tstzmultirange datemultirange pg_lsn xid xid8 tid ";

/// Types that number their rows.
const SERIALS: &str = " serial serial2 serial4 serial8 smallserial bigserial ";

/// Functions whose value is one for the whole statement.
const STABLE: &str = " now transaction_timestamp statement_timestamp current_setting current_database current_schema \
    txid_current pg_current_xact_id lower upper to_char to_date to_timestamp date_trunc make_interval make_date \
    make_timestamp make_timestamptz timezone age date_part jsonb_build_object jsonb_build_array json_build_object \
    json_build_array array_fill concat format md5 encode decode to_jsonb to_json to_tsvector int4range int8range \
    tsrange tstzrange daterange numrange point coalesce greatest least nullif abs round ";

/// Functions with a value for each row.
const VOLATILE: &str = " random clock_timestamp timeofday nextval gen_random_uuid uuidv4 uuidv7 uuid_generate_v1 \
    uuid_generate_v1mc uuid_generate_v4 random_normal gen_random_bytes ";

/// Functions that only read their arguments, in the statements of migrations.
const HARMLESS: &str = " count sum min max avg array_agg string_agg jsonb_agg json_agg jsonb_object_agg bool_and \
    bool_or every row_number rank dense_rank lag lead first_value last_value ntile length char_length substr \
    substring replace trim btrim ltrim rtrim split_part position left right lpad rpad regexp_replace regexp_match \
    regexp_matches generate_series unnest array_length cardinality ceil ceiling floor mod power sqrt trunc \
    jsonb_set jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_array_length \
    pg_size_pretty pg_relation_size pg_total_relation_size pg_table_size to_regclass set_config pg_sleep \
    pg_get_serial_sequence setval currval lastval pg_try_advisory_lock pg_advisory_unlock pg_backend_pid version \
    row_to_json sha256 hashtext initcap reverse ascii chr to_number isfinite extract exists ";

fn is_in(list: &str, name: &str) -> bool {
    list.contains(&format!(" {name} "))
}

/// What the rows that are there hold in a column of this definition.
pub(super) fn of(column: &SyntaxNode) -> Filling {
    let mut filling = by_type(column);
    for constraint in column.children() {
        let this = match constraint.kind() {
            SyntaxKind::DEFAULT_CONSTRAINT => by_expression(&constraint),
            SyntaxKind::GENERATED_CONSTRAINT if words(&constraint).ends_with(" virtual") => Filling::Null,
            SyntaxKind::GENERATED_CONSTRAINT => by_generation(&constraint),
            _ => Filling::Null,
        };
        filling = filling.max(this);
    }
    filling
}

fn by_generation(constraint: &SyntaxNode) -> Filling {
    let stored = holds(constraint, SyntaxKind::GENERATED_STORED) && !words(constraint).contains(" stored");
    // Without a word, PostgreSQL 18 computes it when it is read; older ones refuse the statement.
    if stored { Filling::Null } else { Filling::Each }
}

fn by_type(column: &SyntaxNode) -> Filling {
    let Some(ty) = column.children().find(|child| type_words(child.kind())) else { return Filling::Unknown };
    if !holds(&ty, SyntaxKind::PATH_TYPE) {
        return Filling::Null;
    }
    let path = ty.descendants().find(|inner| inner.kind() == SyntaxKind::PATH_REF);
    let name = path.map(|path| written(&path).to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name).trim_matches('"');
    if is_in(SERIALS, name) {
        Filling::Each
    } else if is_in(TYPES, name) {
        Filling::Null
    } else {
        Filling::Unknown
    }
}

fn type_words(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::ARRAY_TYPE
            | SyntaxKind::PATH_TYPE
            | SyntaxKind::VARCHAR_TYPE
            | SyntaxKind::CHARACTER_TYPE
            | SyntaxKind::BIT_TYPE
            | SyntaxKind::BIT_VARYING_TYPE
            | SyntaxKind::DOUBLE_TYPE
            | SyntaxKind::TIME_TYPE
            | SyntaxKind::TIMESTAMP_TYPE
            | SyntaxKind::INTERVAL_TYPE
    )
}

fn by_expression(expression: &SyntaxNode) -> Filling {
    let calls = calls(expression).into_iter().map(|name| {
        if is_in(VOLATILE, &name) {
            Filling::Each
        } else if is_in(STABLE, &name) {
            Filling::Constant
        } else {
            Filling::Unknown
        }
    });
    calls.fold(Filling::Constant, Filling::max)
}

/// Whether it calls a function that may do anything.
pub(super) fn calls_unknown(node: &SyntaxNode) -> bool {
    calls(node).iter().any(|name| ![STABLE, VOLATILE, HARMLESS].iter().any(|list| is_in(list, name)))
}

/// The functions it calls, without schema where that is PostgreSQL's own.
fn calls(node: &SyntaxNode) -> Vec<String> {
    let called =
        node.descendants().filter(|inner| inner.kind() == SyntaxKind::CALL_EXPR).filter_map(|call| {
            // Without arguments it is one of the grammar's own functions: EXTRACT, EXISTS, ...
            child(&call, SyntaxKind::ARG_LIST)?;
            let name = written(&call.first_child()?).to_ascii_lowercase();
            Some(name.strip_prefix("pg_catalog.").map(str::to_owned).unwrap_or(name))
        });
    called.collect()
}
