"""Standard semantic segmentation models, trained on images of any origin and measured on unseen categories."""
