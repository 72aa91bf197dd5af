"""What is measured, apart from what is tested: times and sizes, printed."""
