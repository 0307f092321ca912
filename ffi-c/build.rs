//! Names the shared library's ABI: before 1.0 each minor version may have another.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = |part| std::env::var(part).expect("cargo sets it");
    let (major, minor) = (version("CARGO_PKG_VERSION_MAJOR"), version("CARGO_PKG_VERSION_MINOR"));
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    let flag = match version("CARGO_CFG_TARGET_OS").as_str() {
        "linux" | "freebsd" | "netbsd" | "openbsd" => format!("-Wl,-soname,libratecell.so.{abi}"),
        "macos" => format!("-Wl,-install_name,@rpath/libratecell.{abi}.dylib"),
        _ => return,
    };
    println!("cargo::rustc-cdylib-link-arg={flag}");
}
