//! The contract between compiler and virtual machine: op table, module, file format, verifier, listing, assembler.
