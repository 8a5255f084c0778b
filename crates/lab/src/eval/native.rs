//! An arm without a guest: MariaDB on this machine, with its engine in process
//! or, for VAMOS, in a worker beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};

use super::{
    arm::{Arm, Engine},
    sample::Cpu,
    settings::Settings,
    sysbench::Target,
};
use crate::{
    local::{LocalOptions, LocalStack, Programs},
    mariadb_files::MariadbFiles,
    myrocks,
    native::{NativeOptions, NativeServer},
};

/// A running arm. Dropping it takes it down.
#[derive(Debug)]
pub struct NativeArm(Box<Inner>);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, in a box")]
enum Inner {
    InProcess(NativeServer),
    Vamos(LocalStack),
}

impl NativeArm {
    /// Starts the arm on the data in `state`, which is filled if it is empty:
    /// `mariadb/` for the server, `stores/local/` for VAMOS.
    ///
    /// # Errors
    /// If the arm is none of those without a guest, or does not come up.
    pub fn start(
        files: &MariadbFiles,
        programs: &Programs,
        arm: Arm,
        settings: &Settings,
        state: &Path,
    ) -> Result<Self> {
        ensure!(!arm.is_guest(), "{arm} runs in a guest");
        fs::create_dir_all(state)?;
        let args = settings
            .server_options(arm.engine)
            .into_iter()
            .map(|(name, value)| format!("--{name}={value}"))
            .collect();
        let inner = match arm.engine {
            Engine::Vamos => Inner::Vamos(LocalStack::start(
                files,
                programs,
                LocalOptions {
                    mariadb_args: args,
                    state: Some(state.to_path_buf()),
                    guest_config: settings.store_config(),
                    ..LocalOptions::default()
                },
            )?),
            Engine::InnoDb | Engine::MyRocks => Inner::InProcess(NativeServer::start(
                files,
                NativeOptions {
                    plugin: match arm.engine {
                        Engine::MyRocks => Some(myrocks::plugin(files)?),
                        _ => None,
                    },
                    args,
                    datadir: Some(state.join("mariadb")),
                    ..NativeOptions::default()
                },
            )?),
        };
        Ok(Self(Box::new(inner)))
    }

    fn server(&self) -> &NativeServer {
        match &*self.0 {
            Inner::InProcess(server) => server,
            Inner::Vamos(stack) => &stack.server,
        }
    }

    /// Where its server listens.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::Socket(self.socket())
    }

    /// Its server's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.server().socket()
    }

    /// Runs statements and returns what the client prints.
    ///
    /// # Errors
    /// If one fails.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.server().sql(statements)
    }

    /// The processor time used so far by the server and, for VAMOS, its workers.
    ///
    /// # Errors
    /// If a process has gone.
    pub fn cpu(&self) -> Result<Cpu> {
        let mut cpu = Cpu {
            guest_us: process_us(self.server().pid())?,
            ..Cpu::default()
        };
        if let Inner::Vamos(stack) = &*self.0 {
            for worker in stack.daemon.workers() {
                cpu.worker_us += process_us(worker)?;
            }
        }
        Ok(cpu)
    }

    /// Takes it down in order, so that its data can be copied.
    ///
    /// # Errors
    /// If a process does not end in time, or fails.
    pub fn shutdown(mut self) -> Result<()> {
        match &mut *self.0 {
            Inner::InProcess(server) => server.shutdown(),
            Inner::Vamos(stack) => {
                stack.server.shutdown()?;
                stack.daemon.stop()
            }
        }
    }
}

fn process_us(pid: u32) -> Result<u64> {
    Ok(crate::switches::cpu_time(pid)?.total_us)
}
