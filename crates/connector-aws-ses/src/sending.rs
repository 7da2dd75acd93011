//! The memory that sends take turns in.

use std::sync::{Mutex, PoisonError};

use aws_sdk_sesv2::{
    error::SdkError,
    operation::send_email::{SendEmailError, SendEmailOutput},
};
use tokio_util::sync::ReusableBoxFuture;

type Outcome = Result<SendEmailOutput, SdkError<SendEmailError>>;

/// One send, in memory that another one may have left.
pub(crate) type Sending = ReusableBoxFuture<'static, Outcome>;

/// The most that is kept for later, as many as may be under way at once by default.
const KEPT: usize = 100;

/// Memory for sends. The SDK's future takes 9 KB, more than an allocator has at hand: each message would have it made anew.
#[derive(Default)]
pub(crate) struct Sendings(Mutex<Vec<Sending>>);

impl Sendings {
    /// Puts `send` into memory that was left, the latest first, or into new.
    pub(crate) fn begin(&self, send: impl Future<Output = Outcome> + Send + 'static) -> Sending {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match left {
            Some(mut sending) => {
                sending.set(send);
                sending
            }
            None => ReusableBoxFuture::new(send),
        }
    }

    /// Leaves the memory of a send that has ended.
    pub(crate) fn end(&self, sending: Sending) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() < KEPT {
            left.push(sending);
        }
    }
}
