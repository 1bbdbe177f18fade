//! The items of a step are what the server says they are, on every version.

use lockpit::engine::plan::order::{Unit, Way};
use lockpit::plan::Compiled;

use crate::small::read_lines;
use crate::support::{cluster, versions};

fn plan(for_each: &str) -> Compiled {
    let sql = "comment on table ${item} is ${item:literal}";
    let lines = format!("[[step]]\nid = \"each\"\nfor_each = \"\"\"{for_each}\"\"\"\nsql = \"{sql}\"\n");
    read_lines(&lines, &[]).expect("a good plan")
}

#[tokio::test]
async fn partitions_at_every_depth_are_found_and_their_names_are_quoted() {
    for version in versions() {
        let db = cluster(version.major).database("items").await;
        let session = db.actor("items").await;
        let made = "create schema \"S 1\";
            create table events (at int, kind int) partition by range (at);
            create table \"S 1\".\"Part 2\" partition of events for values from (10) to (20);
            create table part_1 partition of events for values from (0) to (10) partition by list (kind);
            create table part_1_a partition of part_1 for values in (1);
            create table part_1_rest partition of part_1 default;
            create table other (a int)";
        session.exec(made).await;
        let compiled = plan("partitions of events");
        let script = &compiled.script.steps[0];
        let query = script.items.as_ref().expect("a query");
        let items: Vec<String> = session.rows(query).await;
        assert_eq!(
            items,
            ["\"S 1\".\"Part 2\"", "public.part_1_a", "public.part_1_rest"],
            "{}",
            version.major
        );
        for item in &items {
            let unit = Unit { step: 0, item: 0, part: 0, way: Way::Do };
            for sql in compiled.script.statements(unit, Some(item)).expect("statements") {
                session.exec(&sql).await;
            }
        }
        let query = "select count(*) from pg_description where description in \
                     ('\"S 1\".\"Part 2\"', 'public.part_1_a', 'public.part_1_rest')";
        assert_eq!(session.value::<i64>(query).await, 3);
    }
}

#[test]
fn a_query_finds_items_too() {
    let compiled = plan("query: select format('%I', relname) from pg_class where relname like 'a%'");
    let items = compiled.script.steps[0].items.as_deref();
    assert_eq!(items, Some("select format('%I', relname) from pg_class where relname like 'a%'"));
}
