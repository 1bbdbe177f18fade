use super::read;

#[test]
fn show() {
    for sql in include_str!("/tmp/C_stmts.sql").lines().filter(|line| !line.is_empty()) {
        let form = read(sql);
        println!("{sql}\n    {} {:?}", form.kind, form.alone);
        for act in form.acts {
            println!(
                "    {:?} [{}] {:?} {:?} {}",
                act.deed, act.relation, act.object, act.renamed, act.optional
            );
        }
    }
}
