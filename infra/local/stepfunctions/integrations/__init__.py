"""What Task states call: AWS's services, through the public API of this very server and as the state machine's role."""
