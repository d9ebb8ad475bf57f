"""Virtual phones on a Bluetooth link of software (extra ``hci``): the simulation, played through HCI."""
