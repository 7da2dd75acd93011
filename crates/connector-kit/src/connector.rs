//! The one trait, and what a send returns.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{Error, ErrorKind, Message};

/// A provider that can send a message.
#[async_trait]
pub trait EmailConnector: Send + Sync {
    /// Sends one message: one attempt, no retry. Retry and deadline are layers around this ([`crate::Deadline`],
    /// [`crate::Retry`]).
    ///
    /// # Errors
    /// Every failure says by [`Error::delivery`] whether the message may have been accepted all the same.
    async fn send(&self, message: &Message) -> Result<Receipt, Error>;

    /// How many messages the provider has counted since `from`, where it meters them.
    ///
    /// # Errors
    /// `NotImplemented` where it does not.
    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        let _ = from;
        Err(Error::new(ErrorKind::NotImplemented, "this provider does not report usage"))
    }
}

/// An accepted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of the message, where it gives one.
    pub message_id: Option<String>,
    /// Attempts made, the last included.
    pub attempts: u32,
}

impl Receipt {
    /// Accepted at the first attempt.
    #[must_use]
    pub fn new(message_id: Option<String>) -> Self {
        Self { message_id, attempts: 1 }
    }
}

#[async_trait]
impl<C: EmailConnector + ?Sized> EmailConnector for Arc<C> {
    async fn send(&self, message: &Message) -> Result<Receipt, Error> {
        self.as_ref().send(message).await
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.as_ref().usage(from).await
    }
}

#[async_trait]
impl<C: EmailConnector + ?Sized> EmailConnector for Box<C> {
    async fn send(&self, message: &Message) -> Result<Receipt, Error> {
        self.as_ref().send(message).await
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.as_ref().usage(from).await
    }
}
