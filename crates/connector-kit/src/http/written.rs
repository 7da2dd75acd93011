//! A request body that tells when it is being written.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::connections::Exchange;
use crate::SendContext;

/// The bytes of a request. The client asks for them when the connection stands and the request is about to be
/// written, so from then on the outcome of a send is unknown until the answer is there.
pub(super) struct WrittenBody {
    bytes: Option<Bytes>,
    context: SendContext,
    exchange: Arc<Exchange>,
}

impl WrittenBody {
    pub(super) fn new(bytes: Bytes, context: SendContext, exchange: Arc<Exchange>) -> Self {
        Self { bytes: Some(bytes), context, exchange }
    }
}

impl Body for WrittenBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.context.mark_written();
        self.exchange.served();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
