//! Orders that only read, and orders that no session can carry out.
//!
//! Owns that each of them is answered. Never runs what the plan changes.

use tokio_postgres::Error;

use super::line::Failure;
use super::{Runner, Turn, ask, fate, look, survey};
use crate::engine::plan::order::{News, Order, TryEnd, TryFate};
use crate::engine::sample::Fact;

/// What an order is told that came while there was no session.
const NO_SESSION: &str = "there is no session to run the plan on";

impl Runner {
    /// Answers an order that only reads.
    pub(super) async fn answer(&mut self, order: Order) -> Result<(), Turn> {
        match order {
            Order::Look { unit, relations } => {
                let looked = look::look(&mut self.line, &relations).await;
                let (look, lost) = self.fact(looked).await;
                self.answered(News::Looked { unit, look }, lost).await
            }
            Order::Survey { unit, relations, expects } => {
                let surveyed = survey::survey(&self.line, &relations, &expects).await;
                let (survey, lost) = self.fact(surveyed.map(Box::new)).await;
                self.answered(News::Surveyed { unit, survey }, lost).await
            }
            Order::Ask { ask } => {
                let (answer, lost) = match self.script.query(ask) {
                    Some(query) => {
                        let asked = ask::ask(&self.line, query).await;
                        self.fact(asked).await
                    }
                    None => (Fact::Missing("the plan has no such query".to_owned()), None),
                };
                self.answered(News::Asked { ask, answer }, lost).await
            }
            Order::Items { step } => {
                let query = self.script.steps.get(step as usize).and_then(|step| step.items.as_deref());
                let (items, lost) = match query {
                    Some(query) => {
                        let found = ask::items(&self.line, query).await;
                        let (items, lost) = self.fact(found).await;
                        let may_stand = |names: &Vec<String>| {
                            names.iter().try_for_each(|name| self.script.may_stand(step, name))
                        };
                        match items {
                            Fact::Known(names) => {
                                (may_stand(&names).map_or_else(Fact::Missing, |()| Fact::Known(names)), lost)
                            }
                            items => (items, lost),
                        }
                    }
                    None => {
                        (Fact::Missing("the plan has no query for the items of this step".to_owned()), None)
                    }
                };
                if let Fact::Known(names) = &items {
                    self.items.insert(step, names.clone());
                }
                self.answered(News::Items { step, items }, lost).await
            }
            Order::Fate { number, backend, application, xid } => {
                let told = fate::fate(&self.line, backend, &application, xid).await;
                let (fate, lost) = match self.fact(told).await {
                    (Fact::Known(fate), lost) => (fate, lost),
                    (Fact::Missing(why), lost) => (TryFate::Unknown(why), lost),
                };
                self.answered(News::Fate { number, fate }, lost).await
            }
            // They are no work for a session.
            Order::Program { .. } | Order::EndProgram { .. } | Order::Hook { .. } => Ok(()),
            Order::Try(_) | Order::Stop { .. } => Ok(()),
        }
    }

    /// What an answer says, and why the session is lost, if it is. After a refusal the session is outside of any
    /// transaction again.
    async fn fact<T>(&self, answer: Result<T, Error>) -> (Fact<T>, Option<String>) {
        let error = match answer {
            Ok(fact) => return (Fact::Known(fact), None),
            Err(error) => error,
        };
        match self.line.failure(&error) {
            Failure::Lost(why) => (Fact::Missing(why.clone()), Some(why)),
            Failure::Refused(_, why) => {
                let ended = self.line.end_reading().await;
                (Fact::Missing(why), ended.err().map(|error| self.line.failure(&error).why()))
            }
        }
    }

    /// Tells an answer; that the session is lost comes before what it has not answered.
    async fn answered(&self, news: News, lost: Option<String>) -> Result<(), Turn> {
        let kept = match lost {
            None => Ok(()),
            Some(why) => self.lost(why).await,
        };
        self.tell(news).await;
        kept
    }

    /// Answers an order that no session can carry out, or keeps it for the next one.
    pub(super) async fn refuse(&mut self, order: Order) {
        let why = || NO_SESSION.to_owned();
        let news = match order {
            Order::Fate { .. } => return self.waiting.push_back(order),
            Order::Try(it) => News::Tried { number: it.number, end: TryEnd::NotBegun(why()), took_us: 0 },
            Order::Look { unit, .. } => News::Looked { unit, look: Fact::Missing(why()) },
            Order::Survey { unit, .. } => News::Surveyed { unit, survey: Fact::Missing(why()) },
            Order::Ask { ask } => News::Asked { ask, answer: Fact::Missing(why()) },
            Order::Items { step } => News::Items { step, items: Fact::Missing(why()) },
            Order::Stop { .. } | Order::Program { .. } | Order::EndProgram { .. } | Order::Hook { .. } => {
                return;
            }
        };
        self.tell(news).await;
    }
}
