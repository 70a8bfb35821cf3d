use std::process::ExitCode;

fn main() -> ExitCode {
    herdgate::commands::main()
}
