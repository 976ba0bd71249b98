"""OpenTravel 2003/05 messages as the simulators read and write them (an own reading of the protocol sheet)."""
