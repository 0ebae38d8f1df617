//! Several futures at once, without tasks: dropped with their caller.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

enum Item<'a, T> {
    Running(Pin<Box<dyn Future<Output = T> + 'a>>),
    Done(T),
}

/// Runs all of `futures` and returns their results in order. Their first polls are in order too.
pub async fn join_all<'a, T, F: Future<Output = T> + 'a>(futures: impl IntoIterator<Item = F>) -> Vec<T> {
    let mut items: Vec<Item<'a, T>> =
        futures.into_iter().map(|future| Item::Running(Box::pin(future))).collect();
    // The items are boxed or finished: moving them is fine whatever T is.
    poll_fn(move |context| {
        let mut running = false;
        for item in &mut items {
            if let Item::Running(future) = item {
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => *item = Item::Done(result),
                    Poll::Pending => running = true,
                }
            }
        }
        if running {
            return Poll::Pending;
        }
        let done = std::mem::take(&mut items).into_iter().filter_map(|item| match item {
            Item::Done(result) => Some(result),
            Item::Running(_) => None,
        });
        Poll::Ready(done.collect())
    })
    .await
}
