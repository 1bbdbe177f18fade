//! stub
use tokio_postgres::Error;

use super::line::Line;
use crate::engine::plan::facts::Survey;
use crate::engine::plan::form::Expect;

pub(super) async fn survey(
    _line: &Line,
    _relations: &[String],
    _expects: &[Expect],
) -> Result<Survey, Error> {
    unimplemented!()
}
