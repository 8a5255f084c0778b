//! The configuration of the guest's MariaDB.

use super::host::PORT;
use crate::eval::{
    arm::{Arm, Engine, Path},
    settings::Settings,
};

/// The text of a configuration file: what all arms have alike, and what the arm
/// needs.
pub(super) fn text(arm: Arm, settings: &Settings) -> String {
    let mut text = "[mariadb]\nplugin-maturity = experimental\n".to_owned();
    for (name, value) in settings.server_options(arm.engine) {
        // A semicolon begins no comment within quotes.
        text += &format!("{name} = \"{value}\"\n");
    }
    text += match arm.engine {
        Engine::InnoDb => "",
        Engine::MyRocks => "plugin-load-add = ha_rocksdb.so\n",
        Engine::Vamos => "plugin-load-add = ha_vamos.so\n",
    };
    if arm.engine == Engine::Vamos {
        text += &format!("vamos-endpoint = vsock:2:{PORT}\n");
    }
    text += match arm.path {
        Path::Window => "vamos-window = /dev/dax0.0\n",
        Path::WindowUnpolled => "vamos-window = /dev/dax0.0\nvamos-poll-budget-us = 0\n",
        _ => "",
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_arm_gets_its_engine() {
        let of = |name| text(Arm::named(name).expect("arm"), &Settings::with_engine_mib(64));
        assert!(!of("innodb-blk").contains("plugin-load"));
        assert!(of("myrocks-fs").contains("plugin-load-add = ha_rocksdb.so"));
        assert!(of("vamos").contains("vamos-window"));
        assert!(!of("vamos-stream").contains("vamos-window"));
        assert!(of("vamos-unpolled").contains("poll-budget-us = 0"));
    }
}
