//! Makes `gcra_check` the only root of the program, so that the linker keeps what it reaches and
//! nothing else.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=--entry=gcra_check");
    for symbol in ["GCRA_CELL", "GCRA_QUOTA"] {
        println!("cargo::rustc-link-arg-bins=--undefined={symbol}");
    }
}
