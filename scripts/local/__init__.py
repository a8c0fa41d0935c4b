"""The whole system on this machine: an AWS (moto), the functions, a simulated Marathon."""
