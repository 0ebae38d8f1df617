//! Several futures at once, without tasks: dropped with their caller.

use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// Runs all of `futures` and returns their results in order. Their first polls are in order too; after that each is
/// polled only when it was woken itself, since polling one again adds another waker to what it waits for.
pub async fn join_all<T, F: Future<Output = T>>(futures: impl IntoIterator<Item = F>) -> Vec<T> {
    let mut futures = futures.into_iter();
    let Some(first) = futures.next() else {
        return Vec::new();
    };
    let Some(second) = futures.next() else {
        return vec![first.await];
    };
    let all = [first, second].into_iter().chain(futures).enumerate();
    let mut running: FuturesUnordered<_> =
        all.map(|(place, future)| async move { (place, future.await) }).collect();
    let mut done = Vec::with_capacity(running.len());
    while let Some(result) = running.next().await {
        done.push(result);
    }
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::join_all;
    use crate::rt;
    use crate::rt::shards::block_on;

    #[test]
    fn first_polls_and_results_are_in_order() {
        block_on(async {
            let polled = RefCell::new(Vec::new());
            let polled = &polled;
            let work = |n: usize| async move {
                polled.borrow_mut().push(n);
                for _ in 0..(50 - n) {
                    rt::yield_now().await;
                }
                n
            };
            assert_eq!(join_all((0..50).map(work)).await, (0..50).collect::<Vec<_>>());
            assert_eq!(*polled.borrow(), (0..50).collect::<Vec<_>>());
        });
    }
}
