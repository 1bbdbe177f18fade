//! STUB.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::engine::ids::BackendId;
use crate::screen::shown::Shown;

pub(super) fn draw(_frame: &mut Frame<'_>, _body: Rect, _backend: Option<BackendId>, _shown: &Shown<'_>) {}
