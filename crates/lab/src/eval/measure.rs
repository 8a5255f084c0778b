//! What is read off a sample: each measure with its unit.

use super::sample::Sample;

/// A quantity of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Transactions a second.
    Throughput,
    /// Seconds of wall time a transaction.
    RunTime,
    /// Kicks and interrupts a transaction.
    Switches,
    /// Kicks and interrupts a request.
    SwitchesPerRequest,
    /// Microseconds of host processor time a transaction, without the guest's processors.
    HostCpu,
    /// Of the host's, microseconds that were not polling.
    HostWork,
    /// Of the host's, microseconds that were polling.
    HostPolling,
    /// Microseconds a transaction of the guest's virtual processors; natively, of
    /// the server.
    GuestCpu,
    /// Of the guest's processors, microseconds that were not polling.
    GuestWork,
    /// Of the guest's processors, microseconds that were polling.
    GuestPolling,
    /// Instructions of guest user code a transaction.
    GuestUser,
    /// Instructions of the guest's kernel a transaction.
    GuestKernel,
    /// Bytes that a request returns or sends.
    BytesPerRequest,
    /// Microseconds that 99 of 100 transactions stay below.
    P99,
}

impl Measure {
    /// Its value in this sample; none where it was not taken, or nothing ran.
    #[must_use]
    pub fn of(self, sample: &Sample) -> Option<f64> {
        let cpu = &sample.cpu;
        let per_transaction = |total: u64| per(total, sample.transactions);
        let switches = || {
            sample
                .switches
                .map(|switches| switches.kicks + switches.interrupts)
        };
        let value = match self {
            Self::Throughput => sample.transactions as f64 / sample.seconds,
            Self::RunTime => sample.seconds / sample.transactions as f64,
            Self::Switches => per_transaction(switches()?),
            Self::SwitchesPerRequest => per(switches()?, sample.requests),
            Self::HostCpu => per_transaction(cpu.host_us()),
            Self::HostWork => per_transaction(cpu.host_us() - cpu.host_polling_us()),
            Self::HostPolling => per_transaction(cpu.host_polling_us()),
            Self::GuestCpu => per_transaction(cpu.guest_us),
            Self::GuestWork => per_transaction(cpu.guest_us.saturating_sub(cpu.guest_polling_us)),
            Self::GuestPolling => per_transaction(cpu.guest_polling_us.min(cpu.guest_us)),
            Self::GuestUser => per_transaction(sample.instructions?.user),
            Self::GuestKernel => per_transaction(sample.instructions?.kernel),
            Self::BytesPerRequest => per(sample.bytes, sample.requests),
            Self::P99 => sample.latency?.p99,
        };
        value.is_finite().then_some(value)
    }

    /// Whether more of it is better; of all but throughput, less is.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        self == Self::Throughput
    }
}

/// The part of a total that one of `count` has.
fn per(total: u64, count: u64) -> f64 {
    total as f64 / count as f64
}
