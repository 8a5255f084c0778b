//! The addresses of AF_VSOCK, which rustix does not have.

use rustix::net::SocketAddrAny;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use std::mem::size_of;

/// Listen for guests with any context id.
pub(crate) const ANY: u32 = libc::VMADDR_CID_ANY;

/// A context id and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VsockAddress {
    pub(crate) cid: u32,
    pub(crate) port: u32,
}

// SAFETY: `f` is called with a pointer to a whole `sockaddr_vm` that lives
// until it returns, and with that struct's length.
unsafe impl SocketAddrArg for VsockAddress {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        let address = libc::sockaddr_vm {
            svm_family: libc::AF_VSOCK as libc::sa_family_t,
            svm_reserved1: 0,
            svm_port: self.port,
            svm_cid: self.cid,
            svm_zero: [0; 4],
        };
        f(
            (&raw const address).cast(),
            size_of::<libc::sockaddr_vm>() as SocketAddrLen,
        )
    }
}

impl VsockAddress {
    /// From what the kernel gave, if it is such an address.
    pub(crate) fn from_any(address: &SocketAddrAny) -> Option<Self> {
        if address.address_family() != rustix::net::AddressFamily::VSOCK
            || (address.addr_len() as usize) < size_of::<libc::sockaddr_vm>()
        {
            return None;
        }
        // SAFETY: the family and the length say that there is a whole
        // `sockaddr_vm` in `address`, whose storage is aligned for every kind
        // of address and lives during this call.
        let vm = unsafe { address.as_ptr().cast::<libc::sockaddr_vm>().read() };
        Some(Self {
            cid: vm.svm_cid,
            port: vm.svm_port,
        })
    }
}
