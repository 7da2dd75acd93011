//! Writes the seeds of every target below the folder it is given, a folder for each.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?);
    for target in fuzz::TARGETS {
        let of_target = folder.join(target.name);
        fs::create_dir_all(&of_target)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(of_target.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
