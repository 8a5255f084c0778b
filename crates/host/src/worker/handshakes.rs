//! Who may be in a handshake, and how many at once.
//!
//! Whoever connects takes a place here before it has said a word, and may keep it
//! in silence until the handshake's time is up. Over vsock every machine of the
//! host reaches every port, so that places are given by who is calling: strangers
//! never take those of whom the configuration names, and where it names nobody, no
//! caller takes so many that none are left for another one.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use vamos_channel::Peer;

/// Places for those who will be refused. They get some, so that an operator reads
/// in the guest's log why it is refused.
const FOR_STRANGERS: usize = 16;

/// The fewest and the most places for all others. Each takes two descriptors.
const PLACES: (usize, usize) = (256, 2048);

/// What the configuration says of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It names this one.
    Named,
    /// It names nobody.
    Anyone,
    /// It names others.
    Stranger,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All are taken by those who are named: there will be one soon.
    Wait,
    /// The caller, or others like it, have as many as they get.
    TooMany,
}

/// A user or a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Caller {
    User(u32),
    Machine(u32),
}

impl From<&Peer> for Caller {
    fn from(peer: &Peer) -> Self {
        match peer {
            Peer::Unix(peer) => Self::User(peer.uid),
            Peer::Vsock { cid, .. } => Self::Machine(*cid),
        }
    }
}

/// The places.
#[derive(Debug)]
pub(super) struct Handshakes {
    places: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    by_strangers: usize,
    by_others: usize,
    /// Who has how many, of those who are no strangers; nobody has none.
    callers: HashMap<Caller, usize>,
}

impl Handshakes {
    /// Places for a guest that may have so many lanes: as many for itself, when
    /// nobody else is calling.
    pub(super) fn new(lanes: u32) -> Arc<Self> {
        let wanted = usize::try_from(lanes).unwrap_or(PLACES.1).saturating_mul(2);
        Arc::new(Self {
            places: wanted.clamp(PLACES.0, PLACES.1),
            taken: Mutex::default(),
        })
    }

    /// A place for this caller.
    pub(super) fn take(self: &Arc<Self>, peer: &Peer, standing: Standing) -> Result<Place, NoPlace> {
        let mut taken = self.taken.lock();
        let caller = Caller::from(peer);
        let free = self.places - taken.by_others;
        match standing {
            Standing::Stranger if taken.by_strangers >= FOR_STRANGERS => return Err(NoPlace::TooMany),
            Standing::Named if free == 0 => return Err(NoPlace::Wait),
            // No more than is left for others. So n callers who take what they get
            // leave one place in n + 1.
            Standing::Anyone if taken.callers.get(&caller).copied().unwrap_or(0) >= free => {
                return Err(NoPlace::TooMany);
            }
            _ => {}
        }
        let caller = (standing != Standing::Stranger).then_some(caller);
        match caller {
            None => taken.by_strangers += 1,
            Some(caller) => {
                taken.by_others += 1;
                *taken.callers.entry(caller).or_default() += 1;
            }
        }
        drop(taken);
        let handshakes = self.clone();
        Ok(Place { handshakes, caller })
    }

    fn give_back(&self, caller: Option<Caller>) {
        let mut taken = self.taken.lock();
        let Some(caller) = caller else {
            taken.by_strangers -= 1;
            return;
        };
        taken.by_others -= 1;
        if let Some(count) = taken.callers.get_mut(&caller) {
            *count -= 1;
            if *count == 0 {
                taken.callers.remove(&caller);
            }
        }
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    handshakes: Arc<Handshakes>,
    /// None: a stranger.
    caller: Option<Caller>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handshakes.give_back(self.caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cid: u32) -> Peer {
        Peer::Vsock { cid, port: 1 }
    }

    /// All places that a caller gets, and why it gets no more.
    fn take_all(handshakes: &Arc<Handshakes>, cid: u32, standing: Standing) -> (Vec<Place>, NoPlace) {
        let mut places = Vec::new();
        loop {
            match handshakes.take(&machine(cid), standing) {
                Ok(place) => places.push(place),
                Err(none) => return (places, none),
            }
        }
    }

    #[test]
    fn strangers_take_no_place_of_those_who_are_named() {
        let handshakes = Handshakes::new(256);
        let (strangers, none) = take_all(&handshakes, 9, Standing::Stranger);
        assert_eq!((strangers.len(), none), (FOR_STRANGERS, NoPlace::TooMany));
        let (others, _) = take_all(&handshakes, 10, Standing::Stranger);
        assert!(others.is_empty());
        let (named, none) = take_all(&handshakes, 3, Standing::Named);
        assert_eq!((named.len(), none), (512, NoPlace::Wait));
    }

    #[test]
    fn whoever_takes_all_it_gets_leaves_places_for_others() {
        let handshakes = Handshakes::new(256);
        let mut held = Vec::new();
        for cid in 100..107 {
            let (places, none) = take_all(&handshakes, cid, Standing::Anyone);
            assert_eq!(none, NoPlace::TooMany);
            held.push(places);
        }
        assert_eq!(
            held[0].len(),
            256,
            "alone, a guest has a place for each of its lanes"
        );
        assert!(handshakes.take(&machine(3), Standing::Anyone).is_ok());
        drop(held);
        assert!(handshakes.taken.lock().callers.is_empty());
        assert_eq!(take_all(&handshakes, 3, Standing::Anyone).0.len(), 256);
    }
}
