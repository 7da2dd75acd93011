//! A request body that tells when it is being written.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{Error, SendContext};

/// The bytes of a request. The client asks for them when the connection stands and the request is about to be
/// written, so from then on the outcome of a send is unknown until the answer is there.
pub(super) struct WrittenBody {
    bytes: Option<Bytes>,
    context: SendContext,
}

impl WrittenBody {
    pub(super) fn new(bytes: Bytes, context: SendContext) -> Self {
        Self { bytes: Some(bytes), context }
    }
}

impl Body for WrittenBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Err(given_up) = self.context.mark_written() {
            return Poll::Ready(Some(Err(given_up)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
