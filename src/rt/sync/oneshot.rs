//! One value from one task to another.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A pair for one value.
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    let inner = Rc::new(RefCell::new(Inner { value: None, waker: None }));
    (OneshotSender { inner: inner.clone() }, OneshotReceiver { inner })
}

struct Inner<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Sends the value; dropping it unused tells the receiver that none will come.
pub struct OneshotSender<T> {
    inner: Rc<RefCell<Inner<T>>>,
}

impl<T> OneshotSender<T> {
    /// Sends the value. Gives it back when the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        if self.is_abandoned() {
            return Err(value);
        }
        self.inner.borrow_mut().value = Some(value);
        Ok(())
    }

    /// Whether the receiver is gone.
    pub fn is_abandoned(&self) -> bool {
        Rc::strong_count(&self.inner) == 1
    }
}

impl<T> Drop for OneshotSender<T> {
    fn drop(&mut self) {
        let waker = self.inner.borrow_mut().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Waits for the value: `None` when the sender was dropped without sending.
pub struct OneshotReceiver<T> {
    inner: Rc<RefCell<Inner<T>>>,
}

impl<T> Future for OneshotReceiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let sender_is_gone = Rc::strong_count(&self.inner) == 1;
        let mut inner = self.inner.borrow_mut();
        if let Some(value) = inner.value.take() {
            return Poll::Ready(Some(value));
        }
        if sender_is_gone {
            return Poll::Ready(None);
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once, zip};

    #[test]
    fn sends_reports_and_returns() {
        block_on(async {
            let (sender, receiver) = oneshot();
            let (got, sent) = zip(receiver, async { sender.send(5) }).await;
            assert_eq!((got, sent), (Some(5), Ok(())));

            let (sender, receiver) = oneshot::<u8>();
            let (got, ()) = zip(receiver, async { drop(sender) }).await;
            assert_eq!(got, None);

            let (sender, receiver) = oneshot();
            drop(receiver);
            assert_eq!(sender.send(6), Err(6));

            let (sender, mut receiver) = oneshot();
            assert!(poll_once(&mut receiver).await.is_none());
            sender.send(7).unwrap();
            assert_eq!(receiver.await, Some(7));
        });
    }
}
