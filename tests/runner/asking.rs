//! Queries of the plan, and the items of a step.

use lockpit::engine::plan::order::{Answer, Ask, News, Order, Try, TryEnd};
use lockpit::engine::sample::Fact;
use lockpit::plan::Script;
use lockpit::plan::script::StepScript;

use crate::rig::{Rig, in_transaction};
use crate::support::{cluster, versions};

/// What a query says, or a part of why it says nothing.
type Said = Result<(bool, &'static str), &'static str>;

fn says(holds: bool, said: &'static str) -> Said {
    Ok((holds, said))
}

#[tokio::test]
async fn queries_say_yes_or_no_read_only_and_items_stand_in_statements() {
    for version in versions() {
        let db = cluster(version.major).database("asked").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table t (x int); create table p1 (x int); create table p2 (x int)").await;
        let checks = [
            ("select true", says(true, "t")),
            ("select count(*) from t", says(false, "0")),
            ("select 3", says(true, "3")),
            ("select null", says(false, "null")),
            ("select from t", says(false, "")),
            ("select 1, 'b' union all select 2, null order by 1", says(true, "1 | b\n2 | null")),
            ("insert into t values (1)", Err("read-only")),
            ("select nothing", Err("nothing")),
        ];
        let step = StepScript {
            parts: vec![vec!["alter table ${item} add column y int".to_owned()]],
            checks: checks.iter().map(|(sql, _)| (*sql).to_owned()).collect(),
            items: Some(
                "select tablename::text from pg_tables where tablename ~ '^p[12]$' order by 1".to_owned(),
            ),
            ..StepScript::default()
        };
        let mut rig = Rig::start(&db, Script { steps: vec![step], ..Script::default() }).await;
        for (check, (sql, expected)) in (0..).zip(checks) {
            let ask = Ask::Check { step: 0, check };
            rig.order(Order::Ask { ask });
            let told = rig.hear("answer", |news| match news {
                News::Asked { ask: it, answer } if *it == ask => Some(answer.clone()),
                _ => None,
            });
            match (told.await, expected) {
                (Fact::Known(answer), Ok((holds, said))) => {
                    assert_eq!(answer, Answer { holds, said: said.to_owned() }, "{sql}");
                }
                (Fact::Missing(why), Err(part)) => assert!(why.contains(part), "{sql}: {why}"),
                (told, _) => panic!("{sql}: {told:?}"),
            }
        }
        let second = |number| {
            let unit = lockpit::engine::plan::order::Unit { item: 1, ..in_transaction(number).unit };
            Try { unit, ..in_transaction(number) }
        };
        let end = rig.attempt(second(1)).await;
        assert!(matches!(&end, TryEnd::NotBegun(why) if why.contains("items")), "{end:?}");
        rig.order(Order::Items { step: 0 });
        let items = rig.hear("items", |news| match news {
            News::Items { items: Fact::Known(items), .. } => Some(items.clone()),
            _ => None,
        });
        assert_eq!(items.await, ["p1", "p2"]);
        assert_eq!(rig.attempt(second(2)).await, TryEnd::Done);
        let columns =
            "select string_agg(table_name, ',') from information_schema.columns where column_name = 'y'";
        assert_eq!(actor.value::<String>(columns).await, "p2");
        rig.stop().await;
    }
}
