def mexc(*a):
    raise NotImplementedError
