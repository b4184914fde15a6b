"""The software-defined assets, by stage: acquire, events, training, clustering, labels, analysis."""
