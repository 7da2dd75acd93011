//! The one trait, and what a send returns.

use std::{pin::Pin, sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{Error, ErrorKind, Message, SendContext, limits};

/// What `async_trait` makes of an `async fn`.
pub(crate) type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// A provider that can send a message.
#[async_trait]
pub trait EmailConnector: Send + Sync {
    /// Sends one message: one attempt, no retry. Retry and deadline are layers around this ([`crate::Deadline`],
    /// [`crate::Retry`]). `context` goes on to whatever sends: the HTTP client, or a connector that this one wraps.
    ///
    /// # Errors
    /// Every failure says by [`Error::delivery`] whether the message may have been accepted all the same.
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error>;

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
    /// Accepted at the first attempt. The id is cut at [`limits::PROVIDER_ID`] characters: what is longer is none.
    #[must_use]
    pub fn new(mut message_id: Option<String>) -> Self {
        if let Some(id) = &mut message_id {
            limits::cut(id, limits::PROVIDER_ID);
        }
        Self { message_id, attempts: 1 }
    }
}

/// Passes calls on to what a pointer points to, and their futures back as they are: boxed again they would cost more.
macro_rules! pass_on {
    ($($pointer:ident),+) => {$(
        impl<C: EmailConnector + ?Sized> EmailConnector for $pointer<C> {
            fn send<'s, 'm, 'c, 'f>(
                &'s self,
                message: &'m Message,
                context: &'c SendContext,
            ) -> BoxFuture<'f, Result<Receipt, Error>>
            where
                's: 'f,
                'm: 'f,
                'c: 'f,
                Self: 'f,
            {
                self.as_ref().send(message, context)
            }

            fn usage<'s, 'f>(&'s self, from: SystemTime) -> BoxFuture<'f, Result<u64, Error>>
            where
                's: 'f,
                Self: 'f,
            {
                self.as_ref().usage(from)
            }
        }
    )+};
}

pass_on!(Arc, Box);
