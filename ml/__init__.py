"""Train, publish and roll back models; what scikit-learn is for stays in here."""
