//! Modules: what a worker runs for a session.
//!
//! A module is registered by its name and the versions of its messages that it
//! understands; a guest names both when it connects. The store is one; other
//! middleware is added beside it.

use crate::runtime::{Lane, LaneEnd};
use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use vamos_channel::{Admission, Token};

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The lane gives no more messages.
    #[error(transparent)]
    Lane(#[from] LaneEnd),
    /// The guest broke the rules of the module.
    #[error("the guest sent what makes no sense, so the lane was closed: {0}")]
    Misbehaved(String),
}

/// A running session.
pub type SessionFuture = Pin<Box<dyn Future<Output = SessionEnd> + Send>>;

/// Serves sessions.
pub trait Module: Send + Sync + fmt::Debug {
    /// The name under which guests ask for it.
    fn name(&self) -> &'static str;

    /// The versions of its messages that it understands.
    fn versions(&self) -> RangeInclusive<u32>;

    /// Serves a lane until its end. Dropping the future ends the session.
    fn serve(&self, lane: Lane) -> SessionFuture;

    /// How often each kind of request came, by name.
    fn requests(&self) -> Vec<(&'static str, u64)>;

    /// Its own state, for `vamos status`.
    fn status(&self) -> serde_json::Value;
}

/// The modules of a worker.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    modules: Vec<Arc<dyn Module>>,
}

impl Registry {
    /// No modules yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module.
    #[must_use]
    pub fn with(mut self, module: Arc<dyn Module>) -> Self {
        self.modules.push(module);
        self
    }

    /// The module of this name that understands this version.
    pub fn find(&self, name: &str, version: u32) -> Option<&Arc<dyn Module>> {
        self.modules
            .iter()
            .find(|module| module.name() == name && module.versions().contains(&version))
    }

    /// All modules.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Module>> {
        self.modules.iter()
    }

    /// Admits guests that ask for one of the modules and know the token.
    pub fn admission(&self, token: Option<Token>) -> Admission {
        let admission = self.modules.iter().fold(Admission::new(), |admission, module| {
            admission.module(module.name(), module.versions())
        });
        match token {
            Some(token) => admission.token(token),
            None => admission,
        }
    }
}
