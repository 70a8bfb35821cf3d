mod frames;
mod mutations;
mod rejected;
mod round_trips;
