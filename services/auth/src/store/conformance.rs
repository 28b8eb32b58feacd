//! What every store does, whichever database it stands on.
