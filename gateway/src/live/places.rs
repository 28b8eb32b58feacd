//! How many clients an address may have connected at once, also before it is
//! known who they are.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portico_chassis::status::{Error, Kind};
use tokio::sync::Notify;

use crate::limits::Subject;

/// The places of all addresses.
pub(super) struct Places {
    most: usize,
    taken: Mutex<HashMap<Subject, usize>>,
    emptied: Notify,
}

/// A place of a client, free again when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    subject: Subject,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Mutex::default(),
            emptied: Notify::new(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if the address has no more.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Error> {
        let subject = Subject::address(address);
        let mut taken = self.lock();
        let mine = taken.entry(subject).or_default();
        if *mine >= self.most {
            let message = "Too many live connections from this address.";
            return Err(Error::new(Kind::ResourceExhausted, "RATE_LIMITED", message));
        }
        *mine += 1;
        Ok(Place {
            places: self.clone(),
            subject,
        })
    }

    /// Waits until nobody is connected.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(mine) = taken.get_mut(&self.subject) {
            *mine -= 1;
            if *mine == 0 {
                taken.remove(&self.subject);
            }
        }
        if taken.is_empty() {
            self.places.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_so_many_places_and_another_has_its_own() {
        let places = Arc::new(Places::new(2));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let first = places.take(one).expect("a place");
        let _second = places.take(one).expect("a place");
        let refused = places.take(one).err().expect("refused");
        assert_eq!(refused.reason, "RATE_LIMITED");
        assert!(places.take(other).is_ok());
        drop(first);
        let again = places.take(one).expect("free again");
        let mut empty = Box::pin(places.empty());
        assert!(futures::poll!(&mut empty).is_pending());
        drop((again, _second));
        empty.await;
    }
}
