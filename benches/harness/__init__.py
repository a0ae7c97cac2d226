"""What the programs of this folder share: peers, processes, cases, figures, and how they are shown."""
