//! The line from sensor to case, end to end, with the programs that are shipped: real sockets, a real
//! broker, real databases, and faults made on purpose. `make build` first: nothing here builds the hub
//! or the agent.

mod bad_input;
mod broker;
mod configuration;
mod delivery;
mod discovery;
mod disk;
mod fault_output;
mod kills;
mod modbus;
mod models;
mod profiles;
mod rigs;
mod tools;
mod tools_mqtt;
mod tools_outbox;
mod trust;
mod walk_test;
