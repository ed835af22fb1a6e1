def unified(*a):
    raise NotImplementedError
