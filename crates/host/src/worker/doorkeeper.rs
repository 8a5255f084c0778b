//! Who is let in.

use super::handshakes::Standing;
use crate::config::Guest;
use vamos_channel::{Admission, Hello, Peer, Policy, Refusal, RefusalCode};

/// Decides who gets a lane: by who they are, then by module and token.
#[derive(Debug)]
pub struct Doorkeeper {
    admission: Admission,
    allowed_uids: Vec<u32>,
    allowed_cids: Vec<u32>,
}

impl Doorkeeper {
    /// Lets in whom `admission` admits: of those that come over a Unix socket
    /// the users that the guest's section names, of those over vsock the
    /// machines; all, where it names none.
    pub fn new(admission: Admission, guest: &Guest) -> Self {
        Self {
            admission,
            allowed_uids: guest.allowed_uids.clone(),
            allowed_cids: guest.allowed_cids.clone(),
        }
    }

    /// What the configuration says of a peer, before it has said a word.
    pub(super) fn standing(&self, peer: &Peer) -> Standing {
        let (number, allowed) = match peer {
            Peer::Unix(peer) => (peer.uid, &self.allowed_uids),
            Peer::Vsock { cid, .. } => (*cid, &self.allowed_cids),
        };
        if allowed.is_empty() {
            Standing::Anyone
        } else if allowed.contains(&number) {
            Standing::Named
        } else {
            Standing::Stranger
        }
    }

    fn is_welcome(&self, peer: &Peer) -> Result<(), String> {
        if self.standing(peer) != Standing::Stranger {
            return Ok(());
        }
        let (who, number, key) = match peer {
            Peer::Unix(peer) => ("user", peer.uid, "allowed_uids"),
            Peer::Vsock { cid, .. } => ("machine", *cid, "allowed_cids"),
        };
        Err(format!(
            "{who} {number} may not connect; the host's configuration has others in {key}"
        ))
    }
}

impl Policy for Doorkeeper {
    fn admit(&self, hello: &Hello, peer: &Peer) -> Result<(), Refusal> {
        self.is_welcome(peer)
            .map_err(|message| Refusal::new(RefusalCode::NotAllowed, message))?;
        self.admission.admit(hello, peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vamos_channel::PeerCredentials;

    #[test]
    fn only_those_named_are_welcome_if_any_are() {
        let mut guest = Guest::new("g", "unix:/g");
        let user = |uid| Peer::Unix(PeerCredentials { pid: 1, uid, gid: 1 });
        let machine = |cid| Peer::Vsock { cid, port: 1 };
        let open = Doorkeeper::new(Admission::new(), &guest);
        assert_eq!(open.standing(&machine(5)), Standing::Anyone);
        assert!(open.is_welcome(&user(5)).is_ok() && open.is_welcome(&machine(5)).is_ok());
        guest.allowed_uids = vec![5];
        guest.allowed_cids = vec![6];
        let strict = Doorkeeper::new(Admission::new(), &guest);
        assert_eq!(strict.standing(&machine(6)), Standing::Named);
        assert_eq!(strict.standing(&machine(5)), Standing::Stranger);
        assert!(strict.is_welcome(&user(5)).is_ok() && strict.is_welcome(&machine(6)).is_ok());
        assert!(strict.is_welcome(&user(6)).unwrap_err().contains("allowed_uids"));
        assert!(
            strict
                .is_welcome(&machine(5))
                .unwrap_err()
                .contains("allowed_cids")
        );
    }
}
