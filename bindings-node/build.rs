//! Tells the linker of each platform that the engine's symbols come at run time.

fn main() {
    napi_build::setup();
}
